#!/bin/sh
kubeadm init --config elsewhere.yaml
