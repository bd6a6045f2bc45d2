# Two archived keys are kept: the oldest leaves the frontend when the next key enters. Versions go on.
given historyLimit 2
given interval 10d
0d app exists
+1m api-1 starts
10d time passes
+1s api-1 learns
20d time passes
+1s api-1 learns
30d time passes
+1s api-1 learns
40d time passes
+1s api-1 learns
50d time passes
