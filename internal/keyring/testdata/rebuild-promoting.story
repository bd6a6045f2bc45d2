# The keyring is lost while one frontend signs with the old key: alone, then with the backend's Secret, then with the frontend's. The active key survives.
0d app exists
+1m api-1 starts
+1m web-1 starts
30d time passes
+1s api-1 learns
+1s web-2 starts
+1s web-1 stops
+1h keyring is lost
+1h operator stops
+0s keyring is lost
+0s backend is lost
+1s operator starts
+1h operator stops
+0s keyring is lost
+0s frontend is lost
+1s operator starts
