module k8s.io/sample-cli-plugin

go 1.26.0

require (
	k8s.io/apimachinery v0.0.0 // indirect
	k8s.io/client-go v0.0.0
)

replace (
	k8s.io/apimachinery => ../apimachinery
	k8s.io/client-go => ../client-go
)
