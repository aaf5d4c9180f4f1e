package main

import (
	"errors"
	"strings"
)

// splitWords splits a line as a shell does, as far as quotes go: blanks part words, single quotes keep all that is
// between them, double quotes keep all but backslashes, and a backslash keeps what follows it. What follows a # at the
// start of a word is a comment. Nothing is expanded.
func splitWords(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	inWord := false
	end := func() {
		if inWord {
			words = append(words, word.String())
			word.Reset()
			inWord = false
		}
	}
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == ' ' || c == '\t' || c == '\r':
			end()
		case c == '#' && !inWord:
			return words, nil
		case c == '\'':
			n := strings.IndexByte(line[i+1:], '\'')
			if n < 0 {
				return nil, errors.New("single quote: not closed")
			}
			word.WriteString(line[i+1 : i+1+n])
			inWord = true
			i += n + 1
		case c == '"':
			for i++; ; i++ {
				if i == len(line) {
					return nil, errors.New("double quote: not closed")
				}
				if line[i] == '"' {
					break
				}
				if line[i] == '\\' && i+1 < len(line) {
					i++
				}
				word.WriteByte(line[i])
			}
			inWord = true
		case c == '\\':
			if i++; i == len(line) {
				return nil, errors.New("backslash: nothing follows it")
			}
			word.WriteByte(line[i])
			inWord = true
		default:
			word.WriteByte(c)
			inWord = true
		}
	}
	end()
	return words, nil
}
