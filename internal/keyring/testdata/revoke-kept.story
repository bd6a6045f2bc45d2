# Revoked keys that stay for decryption: the frontend lists them last and carries no session over. The old key of a
# rotation loses its trust, not its place, so the minus sign in the revision is what makes frontends start anew.
given revokedKeys KeepForDecryption
0d app exists
+1m api-1 starts
+1m web-1 starts
30d time passes
+1s api-1 learns
+1s web-2 starts
+1s web-1 stops
+1s web-3 starts
+1s web-2 stops
31d owner sets revokeBefore 29d
+1s api-1 learns
+1s web-4 starts
+1s web-3 stops
32d owner sets revokedKeys Forget
