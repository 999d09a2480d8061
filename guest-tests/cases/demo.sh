# What "make demo" shows, step by step.

./demo.sh ours
