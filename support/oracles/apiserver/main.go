// SPDX-License-Identifier: Apache-2.0

// What does the API server's own code read from an audit policy, and how does it record requests?
//
// Every line of the input is a JSON object {"file": base64, "requests": [{...}], "urls":
// [{"method", "uri"}]}, with requests as `kguard audit eval` takes them. Every line of the output is a
// JSON object {"error": "..." | "", "strict": bool, "policy": {...} | null, "decisions": [{"level",
// "omitStages", "omitManagedFields"}], "urls": [{...}]}: the error with which the server would not
// start, whether nothing in the file is unknown or duplicate, the policy as loaded, one decision for
// each request, and the attributes that the server gives to each URL.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	neturl "net/url"
	"os"

	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/sets"
	auditinternal "k8s.io/apiserver/pkg/apis/audit"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
	"k8s.io/apiserver/pkg/audit"
	"k8s.io/apiserver/pkg/audit/policy"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/klog/v2"
)

type attributes struct {
	User            *string  `json:"user"`
	Groups          []string `json:"groups"`
	Verb            string   `json:"verb"`
	ResourceRequest bool     `json:"resourceRequest"`
	Path            string   `json:"path"`
	APIGroup        string   `json:"apiGroup"`
	Resource        string   `json:"resource"`
	Subresource     string   `json:"subresource"`
	Namespace       string   `json:"namespace"`
	Name            string   `json:"name"`
}

type url struct {
	Method string `json:"method"`
	URI    string `json:"uri"`
}

type question struct {
	File     []byte       `json:"file"`
	Requests []attributes `json:"requests"`
	URLs     []url        `json:"urls"`
}

type decision struct {
	Level             auditinternal.Level   `json:"level"`
	OmitStages        []auditinternal.Stage `json:"omitStages"`
	OmitManagedFields bool                  `json:"omitManagedFields"`
}

type answer struct {
	Error     string          `json:"error"`
	Strict    bool            `json:"strict"`
	Policy    *auditv1.Policy `json:"policy"`
	Decisions []decision      `json:"decisions"`
	URLs      []attributes    `json:"urls"`
}

var resolver = &request.RequestInfoFactory{
	APIPrefixes:          sets.NewString("api", "apis"),
	GrouplessAPIPrefixes: sets.NewString("api"),
}

func strict(file []byte) bool {
	decoder := serializer.NewCodecFactory(audit.Scheme, serializer.EnableStrict).UniversalDecoder()
	_, _, err := decoder.Decode(file, nil, &auditinternal.Policy{})
	return err == nil
}

func record(sent attributes) authorizer.Attributes {
	found := authorizer.AttributesRecord{
		Verb:            sent.Verb,
		ResourceRequest: sent.ResourceRequest,
		Path:            sent.Path,
		APIGroup:        sent.APIGroup,
		Resource:        sent.Resource,
		Subresource:     sent.Subresource,
		Namespace:       sent.Namespace,
		Name:            sent.Name,
	}
	if sent.User != nil {
		found.User = &user.DefaultInfo{Name: *sent.User, Groups: sent.Groups}
	}
	return found
}

func resolve(asked url) (found attributes) {
	// As net/http reads the request line: two leading slashes are a path, no host.
	parsed, err := neturl.ParseRequestURI(asked.URI)
	if err != nil {
		return attributes{Path: "!" + err.Error()}
	}
	info, _ := resolver.NewRequestInfo(&http.Request{Method: asked.Method, URL: parsed})
	found = attributes{Verb: info.Verb, ResourceRequest: info.IsResourceRequest, Path: info.Path}
	if info.IsResourceRequest {
		found.APIGroup, found.Resource, found.Subresource = info.APIGroup, info.Resource, info.Subresource
		found.Namespace, found.Name = info.Namespace, info.Name
	}
	return found
}

func answerTo(asked question) (result answer) {
	result.Decisions, result.URLs = []decision{}, []attributes{}
	for _, each := range asked.URLs {
		result.URLs = append(result.URLs, resolve(each))
	}
	loaded, err := policy.LoadPolicyFromBytes(asked.File)
	if err != nil {
		result.Error = err.Error()
		return result
	}
	result.Strict = strict(asked.File)
	stored := &auditv1.Policy{}
	if err := audit.Scheme.Convert(loaded, stored, nil); err != nil {
		result.Error = err.Error()
	}
	// The conversion shares memory, and the evaluator writes the policy's stages into its rules.
	result.Policy = stored.DeepCopy()
	evaluator := policy.NewPolicyRuleEvaluator(loaded)
	for _, sent := range asked.Requests {
		found := evaluator.EvaluatePolicyRule(record(sent))
		stages := append([]auditinternal.Stage{}, found.OmitStages...)
		result.Decisions = append(result.Decisions, decision{found.Level, stages, found.OmitManagedFields})
	}
	return result
}

func main() {
	klog.SetLogger(klog.Logger{})
	input := bufio.NewReaderSize(os.Stdin, 1<<20)
	output := bufio.NewWriter(os.Stdout)
	defer output.Flush()
	encoder := json.NewEncoder(output)
	for {
		line, err := input.ReadBytes('\n')
		if err != nil {
			return
		}
		asked := question{}
		if err := json.Unmarshal(line, &asked); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		if err := encoder.Encode(answerTo(asked)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
	}
}
