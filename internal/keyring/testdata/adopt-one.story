# Only the frontend has a secret from before: it becomes key 1 and stays readable as the one from before the list.
0d operator stops
+0s frontend holds A
+1s operator starts
+1m api-1 starts
+1m web-1 starts
30d time passes
+1s api-1 learns
+1s web-2 starts
+1s web-1 stops
