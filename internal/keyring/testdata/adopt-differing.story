# The two sides have different secrets: the owner must decide. Nothing is written until then.
0d operator stops
+0s frontend holds A
+0s backend holds B
+1s operator starts
1d backend holds A
