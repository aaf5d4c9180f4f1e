package gitshim

import "slices"

// Forget makes the stand-in of this process one that does not know the questions with this word in them.
func Forget(word string) {
	questions = slices.DeleteFunc(questions, func(q question) bool { return slices.Contains(q.args, word) })
}

// Questions returns the patterns of all questions.
func Questions() [][]string {
	var all [][]string
	for _, q := range questions {
		all = append(all, q.args)
	}
	return all
}

var (
	ParseOrder = parseOrder
	ParseNotes = parseNotes
)
