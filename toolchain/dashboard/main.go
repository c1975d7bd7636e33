// Command dashboard stands in for Kubernetes Dashboard 2.7.0 where its image cannot be pulled. It has the shape that an
// Ingress in front of it meets: TLS and nothing else on port 8443, with a certificate that it has signed itself; a page
// that names its style sheet, script and image relative to its own address; and an API that the script asks, likewise by
// a relative address. It shows nothing of the cluster and takes nobody in.
//
// The arguments of the real one are taken and mean nothing here.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"log"
	"math/big"
	"net/http"
	"os"
	"time"
)

const (
	address  = ":8443"
	lifetime = 365 * 24 * time.Hour
)

//go:embed ui
var ui embed.FS

// status is the API's answer: who gives it, and how the request looked when it arrived here.
type status struct {
	TokenPresent bool   `json:"tokenPresent"`
	HTTPSMode    bool   `json:"httpsMode"`
	Pod          string `json:"pod"`
	Path         string `json:"path"`
	TLS          string `json:"tls"`
	Peer         string `json:"peer"`
	ForwardedFor string `json:"forwardedFor"`
}

func main() {
	certificate, err := selfSigned()
	if err != nil {
		log.Fatalf("no certificate: %v", err)
	}
	server := &http.Server{
		Addr:              address,
		Handler:           logged(handler()),
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{certificate}},
		ReadHeaderTimeout: 10 * time.Second,
	}
	log.Printf("serving HTTPS on %s", address)
	log.Fatal(server.ListenAndServeTLS("", ""))
}

func handler() http.Handler {
	files, err := fs.Sub(ui, "ui")
	if err != nil {
		log.Fatal(err)
	}
	routes := http.NewServeMux()
	routes.HandleFunc("GET /api/v1/login/status", loginStatus)
	routes.Handle("/api/", http.NotFoundHandler())
	routes.Handle("/", uncached(http.FileServerFS(files)))
	return routes
}

func loginStatus(answer http.ResponseWriter, request *http.Request) {
	found := status{
		HTTPSMode:    request.TLS != nil,
		Pod:          os.Getenv("HOSTNAME"),
		Path:         request.URL.Path,
		TLS:          tls.VersionName(request.TLS.Version),
		Peer:         request.RemoteAddr,
		ForwardedFor: request.Header.Get("X-Forwarded-For"),
	}
	answer.Header().Set("Content-Type", "application/json")
	answer.Header().Set("Cache-Control", "no-store")
	if err := json.NewEncoder(answer).Encode(found); err != nil {
		log.Printf("%s: %v", request.URL.Path, err)
	}
}

// uncached keeps a browser from showing what it was served before a change of the Ingress.
func uncached(next http.Handler) http.Handler {
	return http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		answer.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(answer, request)
	})
}

func logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		log.Printf("%s %s %s", request.RemoteAddr, request.Method, request.URL.Path)
		next.ServeHTTP(answer, request)
	})
}

// selfSigned is a new certificate that nobody has reason to trust.
func selfSigned() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("serial number: %w", err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "kubernetes-dashboard"},
		DNSNames:     []string{"kubernetes-dashboard"},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.Add(lifetime),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("signing: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
