// SPDX-License-Identifier: Apache-2.0

// Apilist prints the exported declarations of the package in a directory, without comments and bodies, in a fixed
// order. `.ci/api` compares them with the files in the folder api.
package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: apilist DIRECTORY")
	}
	lines, err := declarations(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	for _, l := range lines {
		fmt.Println(l)
	}
}

func declarations(dir string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	var out []string
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		ast.FileExports(file)
		for _, d := range file.Decls {
			for _, one := range split(d) {
				var b strings.Builder
				if err := printer.Fprint(&b, set, one); err != nil {
					return nil, err
				}
				out = append(out, b.String())
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil // what exists once for each system
}

// split makes a declaration of its own of each exported name.
func split(d ast.Decl) []ast.Decl {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv != nil && !ast.IsExported(receiver(d.Recv.List[0].Type)) {
			return nil
		}
		d.Body = nil
		return []ast.Decl{d}
	case *ast.GenDecl:
		var out []ast.Decl
		for _, s := range d.Specs {
			if d.Tok != token.IMPORT {
				out = append(out, &ast.GenDecl{Tok: d.Tok, Specs: []ast.Spec{s}})
			}
		}
		return out
	}
	return nil
}

func receiver(t ast.Expr) string {
	switch t := t.(type) {
	case *ast.StarExpr:
		return receiver(t.X)
	case *ast.IndexExpr:
		return receiver(t.X)
	case *ast.Ident:
		return t.Name
	}
	return ""
}
