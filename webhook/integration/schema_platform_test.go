package integration_test

func init() {
	for name, c := range map[string]schemaCase{
		"a probe of an unknown port": {
			refused: `frontend: {probes: {readiness: {path: /readyz, port: web}}}`,
			message: "the container has one named port, http: set port to http or to a number",
			allowed: `frontend: {probes: {readiness: {path: /readyz, port: http}}}`,
		},
		"a probe of no port": {
			refused: `frontend: {probes: {liveness: {port: 0}}}`, message: "must be http or a number from 1 to 65535",
			allowed: `frontend: {probes: {liveness: {port: 8081}}}`,
		},
		"a probe of a relative path": {
			refused: `frontend: {probes: {readiness: {path: readyz}}}`, message: "must begin with a slash, such as /readyz",
			allowed: `frontend: {probes: {readiness: {path: "/readyz?full=1"}}}`,
		},
		"probes of the task API": {
			refused: `backend: {probes: {readiness: {path: /readyz}}}`, message: "remove probes, or set image",
			allowed: `backend: {image: api, probes: {readiness: {path: /readyz}}}`,
		},
		"root": {
			refused: `frontend: {template: {securityContext: {runAsUser: 0}}}`, message: "pods do not run as root: set the numeric user",
			allowed: `frontend: {template: {securityContext: {runAsUser: 1001, runAsGroup: 0, fsGroup: 0, supplementalGroups: [0]}}}`,
		},
		"a mount without its volume": {
			refused: `frontend: {template: {volumes: [{name: cache, emptyDir: {}}], volumeMounts: [{name: cash, mountPath: /cache}]}}`,
			message: "volumeMounts names a volume that volumes does not hold",
			allowed: `frontend: {template: {volumes: [{name: cache, emptyDir: {}}], volumeMounts: [{name: cache, mountPath: /cache}]}}`,
		},
		"a mount without any volume": {
			refused: `backend: {template: {volumeMounts: [{name: cache, mountPath: /cache}]}}`,
			message: "volumeMounts names a volume that volumes does not hold", allowed: `backend: {template: {volumeMounts: []}}`,
		},
		"a mount over the operator's files": {
			refused: `frontend: {template: {volumes: [{name: a, emptyDir: {}}], volumeMounts: [{name: a, mountPath: /etc/todoapp/auth}]}}`,
			message: "not below /etc/todoapp, which is the operator's",
			allowed: `frontend: {template: {volumes: [{name: a, emptyDir: {}}], volumeMounts: [{name: a, mountPath: /etc/todoapps}]}}`,
		},
		"a volume of two kinds": {
			refused: `frontend: {template: {volumes: [{name: a, emptyDir: {}, secret: {secretName: s}}]}}`,
			message: "set exactly one of configMap, secret, projected, emptyDir, csi and ephemeral",
			allowed: `frontend: {template: {volumes: [{name: a, secret: {secretName: s}}]}}`,
		},
		"a volume of the operator's name": {
			refused: `backend: {template: {volumes: [{name: data, emptyDir: {}}]}}`, message: "choose another name",
			allowed: `backend: {template: {volumes: [{name: datas, emptyDir: {}}]}}`,
		},
		"a projected volume of nothing": {
			refused: `frontend: {template: {volumes: [{name: a, projected: {sources: [{}]}}]}}`,
			message: "set exactly one of secret, configMap and downwardAPI",
			allowed: `frontend: {template: {volumes: [{name: a, projected: {sources: [{secret: {name: s}}, {configMap: {name: c}}]}}]}}`,
		},
		"DNS without a server": {
			refused: `frontend: {template: {dnsPolicy: None}}`, message: "dnsPolicy None needs dnsConfig.nameservers",
			allowed: `frontend: {template: {dnsPolicy: None, dnsConfig: {nameservers: [10.0.0.1]}}}`,
		},
		"a roll-out without room": {
			refused: `frontend: {template: {strategy: {maxSurge: 0}}}`, message: "set maxUnavailable to 1 or more",
			allowed: `frontend: {template: {strategy: {maxSurge: 0, maxUnavailable: 1}}}`,
		},
		"a roll-out without room, in percent": {
			refused: `frontend: {template: {strategy: {maxSurge: 0%, maxUnavailable: 0}}}`, message: "set maxUnavailable to 1 or more",
			allowed: `frontend: {template: {strategy: {maxSurge: 0%, maxUnavailable: 25%}}}`,
		},
		"a surge that is no percentage": {
			refused: `frontend: {template: {strategy: {maxSurge: one}}}`, message: "must be a number or a percentage, such as 1 or 25%",
			allowed: `frontend: {template: {strategy: {maxSurge: 100%}}}`,
		},
		"a strategy for SQLite": {
			refused: `backend: {template: {strategy: {maxSurge: 2}}}`, message: "template.strategy does not apply to a backend on SQLite",
			allowed: `backend: {storage: {postgres: {urlSecretRef: {name: db, key: url}}}, template: {strategy: {maxSurge: 2}}}`,
		},
		"an authority without a name": {
			refused: `frontend: {database: {urlSecretRef: {name: db, key: url}, caRef: {key: ca.crt}}}`,
			message: "caRef.name: Required value",
			allowed: `frontend: {database: {urlSecretRef: {name: db, key: url}, caRef: {name: pg-ca}}}`,
		},
		"an authority of another kind": {
			refused: `frontend: {database: {urlSecretRef: {name: db, key: url}, caRef: {kind: Bundle, name: ca}}}`,
			message: `supported values: "Secret", "ConfigMap"`,
			allowed: `frontend: {database: {urlSecretRef: {name: db, key: url}, caRef: {kind: ConfigMap, name: ca}, onChange: Ignore}}`,
		},
		"an answer to changes of another name": {
			refused: `frontend: {database: {urlSecretRef: {name: db, key: url}, onChange: Reload}}`,
			message: `supported values: "Restart", "Ignore"`,
			allowed: `frontend: {database: {urlSecretRef: {name: db, key: url}, onChange: Restart}}`,
		},
		"a tracking label for all": {
			refused: `inheritedMetadata: {labels: {app.kubernetes.io/instance: shop}}`, message: "finds what it may delete: leave that out",
			allowed: `inheritedMetadata: {labels: {app.kubernetes.io/part-of: shop, team: a}}`,
		},
		"a tracking annotation for all": {
			refused: `inheritedMetadata: {annotations: {argocd.argoproj.io/tracking-id: x}}`,
			message: "finds what it may delete: leave that out",
			allowed: `inheritedMetadata: {annotations: {reflector.v1.k8s.emberstack.com/reflection-allowed: "true"}}`,
		},
		"no time to stop": {
			refused: `frontend: {template: {terminationGracePeriodSeconds: 4}}`, message: "should be greater than or equal to 5",
			allowed: `frontend: {template: {terminationGracePeriodSeconds: 5}}`,
		},
		"a policy for images of another name": {
			refused: `frontend: {template: {imagePullPolicy: Sometimes}}`, message: `supported values: "Always", "IfNotPresent", "Never"`,
			allowed: `frontend: {template: {imagePullPolicy: Always}}`,
		},
	} {
		schemaCases[name] = c
	}
}
