// SPDX-License-Identifier: Apache-2.0

// What does sigstore's policy-controller make of globs, policies and pods?
//
// Reads one question a line and answers one line each:
//
//	{"glob", "image"}                  -> {"refused", "unreadable", "matched"}
//	{"policy"}                         -> {"refused"}: its own validation of a ClusterImagePolicy
//	{"policies", "config", "object"}   -> {"verdict"}: pass, warn or deny for a Pod or Deployment
//
// Policies of the third kind have static authorities only, so that no registry is asked.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/sigstore/policy-controller/pkg/apis/config"
	policyduck "github.com/sigstore/policy-controller/pkg/apis/duck/v1beta1"
	"github.com/sigstore/policy-controller/pkg/apis/glob"
	"github.com/sigstore/policy-controller/pkg/apis/policy/v1alpha1"
	"github.com/sigstore/policy-controller/pkg/apis/policy/v1beta1"
	controller "github.com/sigstore/policy-controller/pkg/config"
	"github.com/sigstore/policy-controller/pkg/webhook"
	"github.com/sigstore/policy-controller/pkg/webhook/clusterimagepolicy"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
	"knative.dev/pkg/apis"
	duckv1 "knative.dev/pkg/apis/duck/v1"
	kubeclient "knative.dev/pkg/client/injection/kube/client"
)

type question struct {
	Glob     *string           `json:"glob"`
	Image    string            `json:"image"`
	Policy   json.RawMessage   `json:"policy"`
	Policies []json.RawMessage `json:"policies"`
	Config   map[string]string `json:"config"`
	Object   json.RawMessage   `json:"object"`
}

type answer struct {
	Refused    bool   `json:"refused"`
	Unreadable bool   `json:"unreadable,omitempty"`
	Matched    bool   `json:"matched,omitempty"`
	Verdict    string `json:"verdict,omitempty"`
}

func main() {
	if err := os.Setenv("SYSTEM_NAMESPACE", "cosign-system"); err != nil {
		panic(err)
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<20), 1<<26)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var asked question
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			panic(err)
		}
		if err := out.Encode(reply(asked)); err != nil {
			panic(err)
		}
	}
	if err := lines.Err(); err != nil && err != io.EOF {
		panic(err)
	}
}

func reply(asked question) answer {
	switch {
	case asked.Glob != nil:
		return match(*asked.Glob, asked.Image)
	case asked.Policy != nil:
		_, refused := read(asked.Policy)
		return answer{Refused: refused}
	default:
		return answer{Verdict: decide(asked)}
	}
}

func match(pattern, image string) answer {
	if _, err := glob.Compile(pattern); err != nil {
		return answer{Refused: true}
	}
	if _, err := name.ParseReference(image, name.WeakValidation); err != nil {
		return answer{Unreadable: true}
	}
	matched, err := glob.Match(pattern, image)
	if err != nil {
		panic(err)
	}
	return answer{Matched: matched}
}

// read decodes, defaults and validates a policy as the admission of policies does.
func read(raw json.RawMessage) (*v1beta1.ClusterImagePolicy, bool) {
	var found v1beta1.ClusterImagePolicy
	if err := json.Unmarshal(raw, &found); err != nil {
		return nil, true
	}
	ctx := apis.WithinCreate(context.Background())
	found.SetDefaults(ctx)
	return &found, found.Validate(ctx).Filter(apis.ErrorLevel) != nil
}

func decide(asked question) string {
	policies := map[string]clusterimagepolicy.ClusterImagePolicy{}
	for _, raw := range asked.Policies {
		found, refused := read(raw)
		if refused {
			continue
		}
		var older v1alpha1.ClusterImagePolicy
		if err := older.ConvertFrom(context.Background(), found); err != nil {
			panic(err)
		}
		policies[found.Name] = *clusterimagepolicy.ConvertClusterImagePolicyV1alpha1ToWebhook(&older)
	}
	settings, err := controller.NewPolicyControllerConfigFromMap(asked.Config)
	if err != nil {
		panic(err)
	}
	ctx := config.ToContext(apis.WithinCreate(context.Background()), &config.Config{
		ImagePolicyConfig: &config.ImagePolicyConfig{Policies: policies},
	})
	ctx = controller.ToContext(ctx, settings)
	ctx = context.WithValue(ctx, kubeclient.Key{}, fake.NewClientset(&corev1.ServiceAccount{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "default"},
	}))
	return verdict(validate(ctx, asked.Object))
}

func validate(ctx context.Context, raw json.RawMessage) *apis.FieldError {
	var kind metav1.TypeMeta
	if err := json.Unmarshal(raw, &kind); err != nil {
		panic(err)
	}
	validator := webhook.NewValidator(ctx)
	if kind.Kind == "Pod" {
		var pod duckv1.Pod
		if err := json.Unmarshal(raw, &pod); err != nil {
			panic(err)
		}
		return validator.ValidatePod(ctx, &pod)
	}
	var scalable policyduck.PodScalable
	if err := json.Unmarshal(raw, &scalable); err != nil {
		panic(err)
	}
	return validator.ValidatePodScalable(ctx, &scalable)
}

func verdict(found *apis.FieldError) string {
	switch {
	case found.Filter(apis.ErrorLevel) != nil:
		return "deny"
	case found != nil:
		return "warn"
	default:
		return "pass"
	}
}
