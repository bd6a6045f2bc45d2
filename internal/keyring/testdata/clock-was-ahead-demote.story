# The clock was ahead when key 1 was demoted. It is trusted for two lifetimes of a token at most, and does not hold later rotations.
given interval 10d
0d app exists
1d operator stops
100d operator starts
2d time passes
+1h time passes
9d+1h time passes
12d time passes
22d time passes
30d time passes
