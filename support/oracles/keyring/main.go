// SPDX-License-Identifier: Apache-2.0

// Which logins does the kubelet of Kubernetes 1.36.3 try for an image, given pull secrets?
//
// Every line of the input is {"image": "...", "secrets": [{"type": "...", "data": "<base64>"}]}.
// Every line of the output is the list of [username, password] in the order in which they are
// tried, or null where the kubelet refuses the secrets.
package main

import (
	"bufio"
	"encoding/json"
	"os"

	v1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/credentialprovider"
	"k8s.io/kubernetes/pkg/credentialprovider/secrets"
)

type question struct {
	Image   string `json:"image"`
	Secrets []struct {
		Type string `json:"type"`
		Data []byte `json:"data"`
	} `json:"secrets"`
}

func answer(asked question) any {
	passed := []v1.Secret{}
	for _, secret := range asked.Secrets {
		kind, key := v1.SecretType(secret.Type), v1.DockerConfigJsonKey
		if kind == v1.SecretTypeDockercfg {
			key = v1.DockerConfigKey
		}
		passed = append(passed, v1.Secret{Type: kind, Data: map[string][]byte{key: secret.Data}})
	}
	keyring, err := secrets.MakeDockerKeyring(passed, &credentialprovider.BasicDockerKeyring{})
	if err != nil {
		return nil
	}
	found, _ := keyring.Lookup(asked.Image)
	logins := [][]string{}
	for _, login := range found {
		logins = append(logins, []string{login.Username, login.Password})
	}
	return logins
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var asked question
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			panic(err)
		}
		if err := out.Encode(answer(asked)); err != nil {
			panic(err)
		}
	}
}
