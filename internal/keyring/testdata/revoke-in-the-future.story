# A moment that has not come yet revokes nothing; when it comes, all that is older goes.
0d app exists
+1m api-1 starts
1d owner sets revokeBefore 2d
2d time passes
+1s api-1 learns
