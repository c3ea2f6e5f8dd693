"""The same run on a real control plane, with API server, etcd and the network between among what fails."""
