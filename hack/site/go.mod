// This module holds no Go code: it keeps Go's tools out of node_modules.
module github.com/todoapp-operator/todoapp-operator/hack/site

go 1.26
