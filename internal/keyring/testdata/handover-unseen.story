# The frontend runs where nobody can see its pods: it has an hour from the moment its Secret was written.
0d frontend is unseen
+1m api-1 starts
30d time passes
+1s api-1 learns
+30m time passes
+30m time passes
# The operator is stopped between the promotion and the Secret, which is lost meanwhile: the hour begins anew.
60d time passes
+1s api-1 learns
+1s operator stops
+50m frontend is lost
+1s operator starts
+20m time passes
+40m time passes
