# long: aarch64
# What "make demo" shows, step by step.

./demo.sh ours "hs.work=1 $calm"
