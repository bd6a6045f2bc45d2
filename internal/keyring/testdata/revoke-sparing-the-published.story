# Only what is older than the published key is revoked: the published one signs at once.
0d app exists
+1m api-1 starts
+1m web-1 starts
30d time passes
30d+5s owner sets revokeBefore 29d
+1s api-1 learns
+1s web-2 starts
+1s web-1 stops
