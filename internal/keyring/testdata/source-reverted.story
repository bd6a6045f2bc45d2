# A value that the ring has seen is not a new one: a store that goes back to it changes nothing.
given source A
0d app exists
+1m api-1 starts
1d source offers B
+1s source offers A
+1s api-1 learns
2d source offers B
3d source offers A
