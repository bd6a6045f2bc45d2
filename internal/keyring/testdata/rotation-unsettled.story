# No pod lives, but the frontend's workload may still start pods of the old revision: the rotation waits for it.
0d app exists
30d web rolls
+1s web settles
