module github.com/containernetworking/plugins

go 1.26.0
