# An older keyring is restored, of before a rotation. What it lacks is read from the Secrets, and key 1 stays what it was.
0d app exists
+1m api-1 starts
+1m web-1 starts
+1h keyring is saved
30d time passes
+1s api-1 learns
+1s web-2 starts
+1s web-1 stops
+1h keyring is restored
+8d time passes
