# Secrets of an earlier release have no record of a revocation. With the keyring they get one, without it the revocation is in doubt.
0d app exists
+1m api-1 starts
+1m web-1 starts
1d owner sets revokeBefore 1d
+1s api-1 learns
+1s web-2 starts
+1s web-1 stops
+1h frontend is unproven
+0s backend is unproven
+1h keyring is lost
+1h operator stops
+0s backend is unproven
+0s keyring is lost
+1h operator starts
# A rotation does not settle it: the key may have leaked. A later moment does.
+1h owner sets rotateAfter 1d+5h
+1s api-1 learns
+1s web-2 learns
+1h owner sets revokeBefore 1d+6h
