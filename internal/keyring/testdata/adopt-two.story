# Both sides have the same secret from before.
0d operator stops
+0s frontend holds A
+0s backend holds A
+1s operator starts
