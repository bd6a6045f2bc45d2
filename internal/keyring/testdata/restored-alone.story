# An older keyring is all that is restored, and pods hold a later key. Its version is not given out again.
0d app exists
+1m api-1 starts
+1m web-1 starts
+1h keyring is saved
30d time passes
+1s api-1 learns
+1s web-2 starts
+1s web-1 stops
+1h operator stops
+0s frontend is lost
+0s backend is lost
+0s keyring is restored
+1s operator starts
+1s api-1 learns
+1h time passes
