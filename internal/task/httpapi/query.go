package httpapi

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
)

const (
	defaultLimit = 50
	maxLimit     = 100
)

// parseQuery decodes a query. url.ParseQuery would drop parameters that it cannot read, and refuse semicolons.
func parseQuery(raw string) (url.Values, error) {
	values := url.Values{}
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, errName := url.QueryUnescape(name)
		value, errValue := url.QueryUnescape(value)
		if errName != nil || errValue != nil {
			return nil, malformed("the query has a broken percent escape")
		}
		values[name] = append(values[name], value)
	}
	return values, nil
}

// parseFilter reads the parameters of a list. It ignores unknown parameters.
func parseFilter(values url.Values) (task.Filter, error) {
	filter := task.Filter{Limit: defaultLimit}
	var wrong []fieldError
	read := func(name, message string, accept func(string) bool) {
		if given := values[name]; len(given) > 1 || len(given) == 1 && !accept(given[0]) {
			wrong = append(wrong, fieldError{"query." + name, message})
		}
	}
	read("completed", "must be true or false", func(s string) bool {
		completed := s == "true"
		filter.Completed = &completed
		return completed || s == "false"
	})
	read("limit", "must be a number from 1 to 100", func(s string) bool {
		return decimal(s, &filter.Limit) && filter.Limit >= 1 && filter.Limit <= maxLimit
	})
	read("offset", "must be a number from 0", func(s string) bool { return decimal(s, &filter.Offset) })
	if wrong != nil {
		return task.Filter{}, invalid(wrong...)
	}
	return filter, nil
}

// decimal reads a number of digits only. A number that does not fit is not ok.
func decimal(s string, into *int) bool {
	number, err := strconv.Atoi(s)
	*into = number
	return err == nil && strings.Trim(s, "0123456789") == ""
}

// parseID reads the decimal {id} of a path. 0 and negative numbers are IDs that no task has.
func parseID(s string) (int64, error) {
	id, err := strconv.ParseInt(s, 10, 64)
	if err != nil || strconv.FormatInt(id, 10) != s {
		return 0, invalid(fieldError{"path.id", "must be a decimal number"})
	}
	if id < 1 {
		return 0, task.ErrNotFound
	}
	return id, nil
}

// links returns the Link header of a page, with the next and the previous page if they exist.
func links(owner string, filter task.Filter, page task.Page) string {
	at := func(offset int, relation string) string {
		query := "?"
		if filter.Completed != nil {
			query += "completed=" + strconv.FormatBool(*filter.Completed) + "&"
		}
		query += "limit=" + strconv.Itoa(filter.Limit) + "&offset=" + strconv.Itoa(offset)
		return "<" + pathOf(owner, query) + `>; rel="` + relation + `"`
	}
	var all []string
	if shown := len(page.Tasks); shown > 0 && int64(filter.Offset)+int64(shown) < page.Total {
		all = append(all, at(filter.Offset+filter.Limit, "next"))
	}
	if filter.Offset > 0 {
		all = append(all, at(max(0, filter.Offset-filter.Limit), "prev"))
	}
	return strings.Join(all, ", ")
}
