# The owner asks for a key that is no older than a moment. Asking again with the same moment asks for nothing.
0d app exists
+1m api-1 starts
+1m web-1 starts
1d owner sets rotateAfter 2d
2d time passes
+1s api-1 learns
+1s web-2 starts
+1s web-1 stops
+1s web-3 starts
+1s web-2 stops
3d owner sets rotateAfter 2d
# Asked while the rotation before still drains: there is room for one more, and then no more.
3d owner sets rotateAfter 3d
+1s api-1 learns
+1s web-4 starts
+1s web-3 stops
+1s web-5 starts
+1s web-4 stops
4d owner sets rotateAfter 4d
9d+30s time passes
9d+50s time passes
