# The clock was ahead when key 1 was made, and shows it only when the owner revokes. Key 2 is made for that moment, and stays
# when the clock goes back before it.
0d operator stops
100d operator starts
1d operator stops
2d owner sets revokeBefore 2d
+1h operator starts
-59m time passes
