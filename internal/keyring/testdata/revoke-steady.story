# All keys are revoked while nothing else goes on: a new key signs at once. It is done when every pod has confirmed.
0d app exists
+1m api-1 starts
+1m api-2 starts
+1m web-1 starts
1d owner sets revokeBefore 1d
+1s api-1 learns
+1s api-2 hangs
+1s web-2 starts
+1s web-1 stops
+1s api-2 learns
+1s owner sets revokeBefore 1d
