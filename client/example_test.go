package client_test

import (
	"context"
	"fmt"
	"log"
	"net/http/httptest"

	"orak"
	"orak/api/resource"
	"orak/client"
)

// Upload a recording and follow it to its end.
func Example() {
	server := httptest.NewServer(exampleAPI())
	defer server.Close()
	recording, remove := exampleRecording()
	defer remove()

	ctx := context.Background()
	c, err := client.New(client.Config{Server: server.URL, Tenant: "choir"})
	if err != nil {
		log.Fatal(err)
	}
	accepted, err := c.Send(ctx, client.Sending{Path: recording})
	if err != nil {
		log.Fatal(err)
	}
	last, err := c.Watch(ctx, accepted.ID, client.Watching{
		Changed: func(u resource.Upload) { fmt.Println(u.Status) },
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("final:", last.Status.Final())
	// Output:
	// queued
	// converting
	// completed
	// final: true
}

// List the dead letters of every tenant and reprocess those that a model error
// parked.
func ExampleClient_Reprocess() {
	server := httptest.NewServer(exampleAPI())
	defer server.Close()

	ctx := context.Background()
	c, err := client.New(client.Config{Server: server.URL})
	if err != nil {
		log.Fatal(err)
	}
	operator := c.As(resource.EveryTenant)
	for token, more := "", true; more; more = token != "" {
		page, err := operator.DeadLetters(ctx, client.Selection{Classes: []orak.Class{orak.ClassModel}}, token)
		if err != nil {
			log.Fatal(err)
		}
		for _, d := range page.DeadLetters {
			fmt.Println(d.Tenant, d.Failure.Stage, d.Failure.Message)
			u, err := operator.Reprocess(ctx, d.ID, resource.ReprocessRequest{Reason: "the model server is fixed", By: "ada"})
			if err != nil {
				log.Fatal(err)
			}
			fmt.Println(u.Status)
		}
		token = page.Next
	}
	// Output:
	// choir analyze The model server answered with no windows.
	// analyzing
}
