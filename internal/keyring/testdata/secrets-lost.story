# A lost projection is written again as it was.
0d app exists
1d frontend is lost
2d backend is lost
3d backend holds A
