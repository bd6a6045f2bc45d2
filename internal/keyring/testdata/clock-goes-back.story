# The clock goes back, in each step. What is decided stays decided; what is due comes later.
0d app exists
+1m api-1 starts
+1m web-1 starts
30d time passes
-2d time passes
+1s api-1 learns
+1s web-2 starts
+1s web-1 stops
-2d time passes
+1s web-3 starts
+1s web-2 stops
-1d time passes
+7d time passes
+1d time passes
