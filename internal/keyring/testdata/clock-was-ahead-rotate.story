# The clock was ahead when key 1 was made, and shows it only when the owner asks for a rotation. Key 1 counts as older.
0d operator stops
100d operator starts
1d operator stops
2d owner sets rotateAfter 2d
+1s operator starts
+1h time passes
