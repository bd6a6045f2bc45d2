# An older keyring is restored, of before a revocation whose moment the owner has taken back. What was revoked stays so.
0d app exists
+1m api-1 starts
+1m web-1 starts
+1h keyring is saved
2d owner sets revokeBefore 2d
+1s api-1 learns
+1s web-2 starts
+1s web-1 stops
3d owner sets revokeBefore 0s
+1h keyring is restored
