module clb-direct.io/test/cluster/build/pause

go 1.24
