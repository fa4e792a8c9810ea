export default {
  title: 'Sing',
}
