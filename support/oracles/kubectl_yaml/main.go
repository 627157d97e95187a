// SPDX-License-Identifier: Apache-2.0

// Which documents does kubectl 1.36.3 read from a file?
//
// Every line of the input is one file, in base64. Every line of the output is a JSON object
// {"documents": [...], "error": null | "..."}: what the packages that `kubectl apply -f` calls
// read from it, in order, without the empty documents, up to the first error. A document that
// the decoder takes and the JSON layer refuses is {"!error": "..."}.
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
	"k8s.io/apimachinery/pkg/runtime"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// kubectl's resource builder looks this many bytes ahead for an opening brace.
const lookAhead = 4096

type answer struct {
	Documents []any   `json:"documents"`
	Error     *string `json:"error"`
}

func document(raw []byte) any {
	var value any
	if err := utiljson.Unmarshal(raw, &value); err != nil {
		return map[string]any{"!error": err.Error()}
	}
	return value
}

func read(file []byte) (result answer) {
	result.Documents = []any{}
	bomAware := unicode.BOMOverride(unicode.UTF8.NewDecoder())
	text := transform.NewReader(bytes.NewReader(file), bomAware)
	decoder := yaml.NewYAMLOrJSONDecoder(text, lookAhead)
	for {
		extension := runtime.RawExtension{}
		if err := decoder.Decode(&extension); err != nil {
			if !errors.Is(err, io.EOF) {
				message := err.Error()
				result.Error = &message
			}
			return result
		}
		raw := bytes.TrimSpace(extension.Raw)
		if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
			continue
		}
		result.Documents = append(result.Documents, document(raw))
	}
}

func main() {
	input := bufio.NewReader(os.Stdin)
	output := bufio.NewWriter(os.Stdout)
	defer output.Flush()
	encoder := json.NewEncoder(output)
	for {
		line, err := input.ReadBytes('\n')
		if err != nil {
			return
		}
		file, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(line)))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		if err := encoder.Encode(read(file)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
	}
}
