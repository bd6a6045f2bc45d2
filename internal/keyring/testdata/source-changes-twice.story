# An external store changes its value twice in a row. The first change is carried out; then comes the second.
given source A
0d app exists
+1m api-1 starts
+1m web-1 starts
1d source offers B
+1s source offers C
+1s api-1 learns
+1s web-2 starts
+1s web-1 stops
+1s web-3 starts
+1s web-2 stops
+1s api-1 learns
+1s web-4 starts
+1s web-3 stops
+1s web-5 starts
+1s web-4 stops
