module go.etcd.io/etcd/etcdutl/v3

go 1.26.0

require go.etcd.io/etcd/api/v3 v3.6.8

replace go.etcd.io/etcd/api/v3 => ../api
