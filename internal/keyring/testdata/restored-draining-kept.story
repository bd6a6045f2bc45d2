given revokedKeys KeepForDecryption
# A keyring is restored that has the key of now, and an earlier one that was revoked since. The revoked key stays out of use, also
# if the moment of its revocation is no longer in the TodoApp.
0d app exists
+1m api-1 starts
+1m web-1 starts
1d owner sets rotateAfter 1d
+1s api-1 learns
+1s web-2 starts
+1s web-1 stops
2d keyring is saved
3d owner sets revokeBefore 1d
+1s api-1 learns
+1s web-3 starts
+1s web-2 stops
+1m owner sets revokeBefore 0
4d keyring is restored
