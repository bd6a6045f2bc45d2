# Revoked while one frontend still signs with the old key: the old key alone, and a day later the other one too.
0d app exists
+1m api-1 starts
+1m web-1 starts
30d time passes
+1s api-1 learns
+1s web-2 starts
+1s web-1 stops
+1s web-3 starts
30d+10s owner sets revokeBefore 29d
+1s api-1 learns
+1s web-2 stops
+1s web-4 starts
+1s web-3 stops
31d owner sets revokeBefore 31d
+1s api-1 learns
+1s web-5 starts
+1s web-4 stops
