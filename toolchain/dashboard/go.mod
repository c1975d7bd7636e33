module netproof/toolchain/dashboard

go 1.26.0
