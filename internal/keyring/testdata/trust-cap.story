# Keys for a day, tokens for seven: never more than three keys are trusted, so a rotation waits for the oldest to retire.
given interval 1d
0d app exists
+1m api-1 starts
1d time passes
+1s api-1 learns
2d+10s time passes
+1s api-1 learns
3d+20s time passes
4d time passes
8d+31s time passes
+1s api-1 learns
