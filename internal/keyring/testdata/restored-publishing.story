# An older keyring is restored while key 2 is published.
0d app exists
+1m api-1 starts
+1m web-1 starts
+1h keyring is saved
30d time passes
+1s api-1 learns
+1h keyring is restored
+1s web-2 starts
+1s web-1 stops
