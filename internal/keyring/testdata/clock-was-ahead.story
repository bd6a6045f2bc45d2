# The clock was ahead when key 1 was made. Its schedule counts from the moment at which that shows.
0d operator stops
100d operator starts
1d time passes
31d time passes
