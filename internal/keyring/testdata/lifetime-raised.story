# Tokens may live longer from now on: archived keys are trusted again, three keys at the most.
given maxLifetime 1h
given interval 1d
0d app exists
1d time passes
2d time passes
3d time passes
4d time passes
+2h owner sets maxLifetime 7d
