# An older keyring is restored while a revocation is due. It revokes the key that the keyring knows; the other one is in doubt.
0d app exists
+1m api-1 starts
+1m web-1 starts
+1h keyring is saved
2d owner sets rotateAfter 2d
+1s api-1 learns
+1s web-1 learns
+1s web-2 starts
+1s web-1 stops
3d operator stops
+0s owner sets revokeBefore 3d
+0s keyring is restored
+1m operator starts
