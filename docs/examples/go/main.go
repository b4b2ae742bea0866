// Sends one audit event straight to Kafka, in Avro's single-object encoding.
//
//	go run . BROKERS TENANT SCHEMA
//
// SCHEMA is the path of schemas/audit_event.v1.avsc.
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/hamba/avro/v2"
	"github.com/hamba/avro/v2/soe"
	"github.com/twmb/franz-go/pkg/kgo"
)

const topic = "audit.events"

// Event has the fields this program fills in; the others take the schema's defaults.
type Event struct {
	EventID      string     `avro:"event_id"`
	Tenant       string     `avro:"tenant"`
	Application  string     `avro:"application"`
	OccurredAt   *time.Time `avro:"occurred_at"`
	SessionID    *string    `avro:"session_id"`
	DecisionType *string    `avro:"decision_type"`
	Subject      *Subject   `avro:"subject"`
	Provider     *string    `avro:"provider"`
	Operation    *string    `avro:"operation"`
	Request      *Request   `avro:"request"`
	Response     *Response  `avro:"response"`
}

// Subject is the person the decision is about.
type Subject struct {
	ID string `avro:"id"`
}

// Request is what was sent to the provider, without credentials.
type Request struct {
	Method *string `avro:"method"`
	URL    *string `avro:"url"`
	Body   []byte  `avro:"body"`
}

// Response is what was received.
type Response struct {
	Status      *int    `avro:"status"`
	ContentType *string `avro:"content_type"`
	Body        []byte  `avro:"body"`
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: audit-events BROKERS TENANT SCHEMA")
		os.Exit(2)
	}
	id, err := send(os.Args[1], os.Args[2], os.Args[3])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(id)
}

func send(brokers, tenant, path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	schema, err := avro.Parse(string(text))
	if err != nil {
		return "", err
	}
	// C3 01, the schema's fingerprint, the datum.
	codec, err := soe.NewCodec(schema)
	if err != nil {
		return "", err
	}
	event := anEvent(tenant)
	value, err := codec.Encode(event)
	if err != nil {
		return "", err
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(brokers, ",")...))
	if err != nil {
		return "", err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	// The key keeps a session in order: tenant and session, without a session the event's id.
	key := event.Tenant + ":" + *event.SessionID
	record := &kgo.Record{Topic: topic, Key: []byte(key), Value: value}
	return event.EventID, client.ProduceSync(ctx, record).FirstErr()
}

// anEvent tells what the application asked its model and what it was answered.
func anEvent(tenant string) Event {
	now := time.Now()
	return Event{
		// The idempotency key: make it once, keep it for every attempt to send.
		EventID:      randomUUID(),
		Tenant:       tenant,
		Application:  "loans",
		OccurredAt:   &now,
		SessionID:    of("session-1"),
		DecisionType: of("credit"),
		Subject:      &Subject{ID: "customer-9"},
		Provider:     of("openai"),
		Operation:    of("chat"),
		Request: &Request{
			Method: of("POST"),
			URL:    of("https://api.openai.com/v1/chat/completions"),
			Body:   []byte(`{"model":"gpt-4o","messages":[{"role":"user","content":"Is a limit of 5000 right?"}]}`),
		},
		Response: &Response{
			Status:      of(200),
			ContentType: of("application/json"),
			Body: []byte(`{"model":"gpt-4o","choices":[{"index":0,"finish_reason":"stop",` +
				`"message":{"role":"assistant","content":"Yes."}}],` +
				`"usage":{"prompt_tokens":14,"completion_tokens":2,"total_tokens":16}}`),
		},
	}
}

func of[T any](value T) *T { return &value }

func randomUUID() string {
	var id [16]byte
	rand.Read(id[:])
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}
