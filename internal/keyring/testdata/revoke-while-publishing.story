# Revoked while a key is published: both go, a third signs.
0d app exists
+1m api-1 starts
+1m web-1 starts
30d time passes
+1s api-1 learns
30d+5s owner sets revokeBefore 30d+5s
+1s api-1 learns
+1s web-2 starts
+1s web-1 stops
