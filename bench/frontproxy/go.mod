module frontproxy

go 1.24
