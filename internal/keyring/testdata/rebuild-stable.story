# The keyring is lost with one key: alone, then with the backend's Secret, then with the frontend's. The active key survives.
0d app exists
+1m api-1 starts
+1m web-1 starts

+1h keyring is lost
+1h operator stops
+0s keyring is lost
+0s backend is lost
+1s operator starts
+1h operator stops
+0s keyring is lost
+0s frontend is lost
+1s operator starts
